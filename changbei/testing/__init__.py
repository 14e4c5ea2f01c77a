"""What the tests of every room share; the product itself imports nothing from here."""
