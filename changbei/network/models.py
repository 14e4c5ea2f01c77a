"""What exists: areas, sites, vans, lines, retailers, products, stock. Positions are WGS-84 degrees."""

from __future__ import annotations

import uuid

from django.db import models

from changbei.people.models import Person, Unit


class District(models.Model):
    """A county or district of the city: six-digit administrative code, outline as a GeoJSON geometry."""

    code = models.CharField(max_length=6, unique=True)
    name = models.JSONField()
    outline = models.JSONField()
    marketing_department = models.ForeignKey(
        Unit, null=True, on_delete=models.PROTECT, related_name="districts"
    )


class Place(models.Model):
    """A town, street community or village: twelve-digit administrative code."""

    code = models.CharField(max_length=12, unique=True)
    name = models.JSONField()
    kind = models.CharField(max_length=20)  # city, county_seat, town, village
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="places")
    population = models.PositiveIntegerField()
    terrain = models.CharField(max_length=10, default="plain")  # plain, hill
    longitude = models.FloatField()
    latitude = models.FloatField()


class Area(models.Model):
    """An administrative area with its outline, for warnings that name areas by code alone; loaded by the user.

    `code` has 2 to 12 digits and says only what it means: 4203 is a city, 420322 a county, 420322101 a town of it,
    420322101203 a village. The counties of the city (`District`) need no row here.
    """

    code = models.CharField(max_length=12, unique=True)
    name = models.JSONField()
    outline = models.JSONField()  # GeoJSON Polygon or MultiPolygon
    source = models.CharField(max_length=160)  # the file it came from
    loaded_at = models.DateTimeField()


class Street(models.Model):
    """A stretch of road for the map: GeoJSON LineString coordinates."""

    name = models.CharField(max_length=60, blank=True)
    rank = models.CharField(max_length=10)  # trunk, main, minor
    path = models.JSONField()


class Site(models.Model):
    """The delivery centre or a transfer station."""

    code = models.CharField(max_length=20, unique=True)
    kind = models.CharField(
        max_length=20,
        choices=[("delivery_center", "delivery_center"), ("transfer_station", "transfer_station")],
    )
    name = models.JSONField()
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="sites")
    longitude = models.FloatField()
    latitude = models.FloatField()


class Vehicle(models.Model):
    """A delivery van. Reserve vans are one city-wide pool (E3.3.2), each kept at a site (E3.2.6)."""

    class State(models.TextChoices):
        FIT = "fit"
        IN_USE = "in_use"  # a reserve van that has taken over today
        BROKEN_DOWN = "broken_down"
        UNDER_REPAIR = "under_repair"

    OUT = (State.BROKEN_DOWN, State.UNDER_REPAIR)  # it cannot drive

    number = models.CharField(max_length=10, unique=True)  # what people say: "17"
    plate = models.CharField(max_length=12, unique=True)
    model = models.CharField(max_length=40)  # type of vehicle as the insurer asks for it (E3.3.3)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="vehicles")
    capacity_cartons = models.PositiveIntegerField()
    is_reserve = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=State.choices, default=State.FIT)
    checked_on = models.DateField(null=True)  # last fitness check
    keeper = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="keeps")  # driver


class Line(models.Model):
    """A delivery line: driven once a week on `weekday` (1 = Monday) by its van and driver."""

    code = models.CharField(max_length=20, unique=True)
    name = models.JSONField()
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="lines")
    weekday = models.PositiveSmallIntegerField()
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="lines")
    driver = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="lines")


class LineKnowledge(models.Model):
    """Who knows a line well enough to guide or to deliver (E3.3.5)."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="known_by")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="knows")
    trips = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "person"], name="line_knowledge_once")]


class Retailer(models.Model):
    """A licensed shop."""

    class Conduct(models.TextChoices):
        LAW_ABIDING = "law_abiding"
        WARNED = "warned"
        PUNISHED = "punished"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    licence_no = models.CharField(max_length=20, unique=True)  # retail licence
    name = models.CharField(max_length=80)
    contact_name = models.CharField(max_length=40)
    phone = models.CharField(max_length=20)
    address = models.CharField(max_length=160)
    longitude = models.FloatField()
    latitude = models.FloatField()
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="retailers")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="retailers")
    retail_format = models.CharField(max_length=20)  # supermarket, convenience, grocery, specialist, hotel …
    supply_tier = models.PositiveSmallIntegerField()  # 1 (lowest) to 30
    credit_grade = models.CharField(max_length=2)  # A, B, C, D
    conduct = models.CharField(max_length=12, choices=Conduct.choices, default=Conduct.LAW_ABIDING)
    marked_prices = models.BooleanField(default=True)
    is_key = models.BooleanField(default=False)
    is_vulnerable = models.BooleanField(default=False)
    settlement = models.CharField(max_length=12, default="e_settlement")  # e_settlement, cash
    order_weekday = models.PositiveSmallIntegerField()  # 1 = Monday
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="retailers")
    line_sequence = models.PositiveIntegerField()
    usual_cartons = models.PositiveIntegerField()  # of one weekly order
    service_seconds = models.PositiveIntegerField()  # at the door
    window_start = models.TimeField(null=True)  # delivery hours, when the shop has any
    window_end = models.TimeField(null=True)
    customer_manager = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="customers")
    active = models.BooleanField(default=True)

    class Meta:
        indexes = [
            models.Index(fields=["longitude", "latitude"]),
            models.Index(fields=["line", "line_sequence"]),
        ]


class NetworkStore(models.Model):
    """A shop that has joined the network stores by an agreement (S11)."""

    retailer = models.OneToOneField(Retailer, on_delete=models.CASCADE, related_name="network_store")
    since = models.DateField()
    agreement = models.CharField(max_length=20)  # the matter by which it was signed: INC-0042


class Manufacturer(models.Model):
    """A factory with its brand file (E3.5.3); specifications and prices are those of its products."""

    code = models.CharField(max_length=20, unique=True)
    name = models.JSONField()
    address = models.CharField(max_length=160, blank=True)
    brands = models.JSONField(default=list)  # texts in three languages
    yearly_cases = models.PositiveIntegerField(null=True)  # its scale: what it makes in a year
    prospects = models.JSONField(default=dict)  # text: how its goods are expected to sell
    reviewed_on = models.DateField(null=True)


class Product(models.Model):
    """A stock-keeping unit (品规). Money is in fen, per carton (条)."""

    class SupplyClass(models.TextChoices):
        GENERAL = "general"
        SCARCE = "scarce"
        CONTROLLED = "controlled"

    code = models.CharField(max_length=20, unique=True)
    name = models.JSONField()
    manufacturer = models.ForeignKey(Manufacturer, on_delete=models.PROTECT, related_name="products")
    supply_class = models.CharField(max_length=12, choices=SupplyClass.choices, default=SupplyClass.GENERAL)
    price_class = models.PositiveSmallIntegerField()  # 1 (highest) to 5
    wholesale_fen = models.PositiveIntegerField()
    retail_fen = models.PositiveIntegerField()
    active = models.BooleanField(default=True)


class Stock(models.Model):
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="stock")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="stock")
    cartons = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "product"], name="stock_once")]


class WeeklyDemand(models.Model):
    """What customers asked for in one week and what they got, per product, city-wide (E3.5.2a)."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="demand")
    week_starts_on = models.DateField()  # a Monday
    asked_cartons = models.PositiveIntegerField()
    supplied_cartons = models.PositiveIntegerField()
    complaints = models.PositiveIntegerField(default=0)  # of customers who got too little
    quality_complaints = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "week_starts_on"], name="demand_once")]


class Shipment(models.Model):
    """Goods ordered from a manufacturer and not yet in store (E3.5.2b)."""

    class State(models.TextChoices):
        UNDER_WAY = "under_way"
        ARRIVED = "arrived"
        CANCELLED = "cancelled"

    class Delay(models.TextChoices):
        NONE = ""
        FACTORY = "factory"  # production is late
        VEHICLE = "vehicle"  # the lorry broke down

    number = models.CharField(max_length=20, unique=True)  # SHP-0007
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="shipments")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="shipments")
    cartons = models.PositiveIntegerField()
    ordered_on = models.DateField()
    due_on = models.DateField()  # the end of the delivery cycle that was agreed
    expected_on = models.DateField()  # as known now
    state = models.CharField(max_length=10, choices=State.choices, default=State.UNDER_WAY)
    delay = models.CharField(max_length=8, choices=Delay.choices, default=Delay.NONE, blank=True)
    arrived_on = models.DateField(null=True)


class City(models.Model):
    """The city this installation serves: one row."""

    name = models.JSONField()
    longitude = models.FloatField()
    latitude = models.FloatField()
    seed = models.BigIntegerField(null=True)  # of a generated city
    artificial = models.BooleanField(default=False)
