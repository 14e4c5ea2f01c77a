"""Small sorts on prefixes of arrays: the library's own take longer to compile than everything else here."""

from __future__ import annotations

from changbei.compute.compiling import compiled
from changbei.compute.recovery.kernel.world import I64


@compiled
def ascending(keys: I64, things: I64, count: int) -> None:
    """Sort the first `count` keys in place, `things` along with them (Shell's sort)."""
    gap = count // 2
    while gap > 0:
        for index in range(gap, count):
            key, thing, at = keys[index], things[index], index
            while at >= gap and keys[at - gap] > key:
                keys[at], things[at] = keys[at - gap], things[at - gap]
                at -= gap
            keys[at], things[at] = key, thing
        gap //= 2


@compiled
def smallest(values: I64, keys: I64, found: I64, count: int) -> int:
    """The `count` smallest values and their indices into `keys` and `found`, smallest first; how many there are."""
    size = 0
    for index in range(len(values)):
        if size == count and values[index] >= keys[count - 1]:
            continue
        at = size if size < count else count - 1
        size = at + 1
        while at > 0 and keys[at - 1] > values[index]:
            keys[at], found[at] = keys[at - 1], found[at - 1]
            at -= 1
        keys[at], found[at] = values[index], index
    return size
