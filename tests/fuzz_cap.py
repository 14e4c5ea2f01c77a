"""Mutates CAP files by their structure and reads them: `python -m tests.fuzz_cap --seconds 60 [--seed 1] [folder]`.

Whatever comes out of the mutator ends accepted, accepted with warnings or refused with reasons, within a second of
processor time; what strict reading accepts, lenient reading accepts as well. A file that does not is written to
`var/fuzz/` and named. The seed gives the same files again.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from lxml import etree

from changbei.incidents import cap

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "data" / "cap"
CAP = "urn:oasis:names:tc:emergency:cap:1.2"
SLOWEST_SECONDS = 5.0  # of the processor
WORDS = (
    "", " ", "Actual", "Test", "Cancel", "红色预警", "台风", "2026-02-30T08:00:00+08:00", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-07-01T08:00:00Z", "-1", "1e999", "NaN", "inf", "90,180 90,-180 -90,0 90,180",
    "30,110 1e9", "30,110 5000", "0,0 0,0 0,0 0,0", "32,110 33,111 32,111 33,110 32,110", "a,b,c a,b", ",,", "<b>x</b>",
    "\N{BOM}", "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{COMBINING ACUTE ACCENT}" * 50, "𝟚𝟘", "٣٠,١١٠", "x" * 5000, "&amp;amp;",
    "420322", "420322000000", "javascript:alert(1)", "file:///etc/passwd", "zh-CN", "xx-" * 40,
)  # fmt: skip
Tree = etree._Element
Mutation = Callable[[random.Random, Tree], None]


def _any(chance: random.Random, root: Tree) -> Tree:
    return chance.choice(list(root.iter(etree.Element)))


def _words(chance: random.Random, root: Tree) -> None:
    _any(chance, root).text = chance.choice(WORDS)


def _noise(chance: random.Random, root: Tree) -> None:
    element = _any(chance, root)
    text = list(element.text or "x")
    place = chance.randrange(len(text))
    text[place : place + chance.randint(0, 3)] = chance.choice(
        " ,.-+:T0123456789<>ZAéü中\N{NO-BREAK SPACE}\t\n"
    )
    element.text = "".join(text)


def _drop(chance: random.Random, root: Tree) -> None:
    element = _any(chance, root)
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _double(chance: random.Random, root: Tree) -> None:
    element = _any(chance, root)
    parent = element.getparent()
    if parent is not None:
        for _ in range(chance.choice((1, 1, 2, 30))):
            parent.insert(chance.randint(0, len(parent)), copy.deepcopy(element))


def _move(chance: random.Random, root: Tree) -> None:
    element, target = _any(chance, root), _any(chance, root)
    if element is not root and target not in element.iter():
        target.insert(chance.randint(0, len(target)), element)


def _rename(chance: random.Random, root: Tree) -> None:
    element, other = _any(chance, root), _any(chance, root)
    element.tag = chance.choice((other.tag, f"{{{CAP}}}x", "alert", "{urn:x}y"))


def _attribute(chance: random.Random, root: Tree) -> None:
    _any(chance, root).set(
        chance.choice(("x", "{urn:x}y", "{http://www.w3.org/XML/1998/namespace}lang")), "1"
    )


def _deepen(chance: random.Random, root: Tree) -> None:
    element = _any(chance, root)
    for _ in range(chance.randint(1, 60)):
        element = etree.SubElement(element, f"{{{CAP}}}info")


MUTATIONS: Sequence[Mutation] = (
    _words, _words, _words, _noise, _noise, _noise, _drop, _double, _move, _rename, _attribute, _deepen,
)  # fmt: skip


def mutated(chance: random.Random, data: bytes) -> bytes:
    """The file with one to five changes of its structure, sometimes of its bytes as well."""
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return _bytes(chance, data)
    for _ in range(chance.randint(1, 5)):
        try:
            chance.choice(MUTATIONS)(chance, root)
        except ValueError:  # characters that XML does not know
            continue
    encoding = chance.choice(("UTF-8", "UTF-8", "UTF-16", "GB18030"))
    made: bytes = etree.tostring(root, xml_declaration=True, encoding=encoding)
    return _bytes(chance, made) if chance.random() < 0.15 else made


def _bytes(chance: random.Random, data: bytes) -> bytes:
    raw = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(raw) + 1)
        kind = chance.random()
        if kind < 0.4:
            raw[place : place + 1] = bytes([chance.randrange(256)])
        elif kind < 0.7:
            del raw[place : place + chance.randint(1, 40)]
        elif kind < 0.9:
            del raw[place:]
        else:
            raw[place:place] = bytes(raw[: chance.randint(1, 200)])
    return bytes(raw)


def verdicts(data: bytes) -> list[str]:
    """Read a file as the house does; AssertionError when an answer is not one. The lenient verdict of each alert."""
    found = []
    started = time.process_time()
    for part in cap.unpack(data).parts:
        lenient, strict = part.read(), part.read(strict=True)
        for result in (lenient, strict):
            assert result.verdict in (cap.ACCEPTED, cap.ACCEPTED_WITH_WARNINGS, cap.REFUSED)
            assert (result.alert is None) == (result.refused or not part.is_here)
            assert not result.refused or any(reason.refuses for reason in result.reasons)
            assert (result.verdict == cap.ACCEPTED) == (not result.reasons)
            assert "\\u0000" not in json.dumps([reason.to_json() for reason in result.reasons])
        assert strict.refused or not lenient.refused
        if part.is_here and lenient.alert is not None and not part.envelope_status:
            assert cap.read(part.data()).alert == lenient.alert  # what is kept says the same
        found.append(lenient.verdict)
    assert time.process_time() - started < SLOWEST_SECONDS
    return found


def samples(folder: Path = CORPUS) -> list[bytes]:
    """The files to begin with: the corpus where it is at hand, and in any case an alert of our own."""
    from changbei.incidents.tests.test_cap_reading import ALERT

    paths = [path for path in sorted(folder.glob("*/*.xml")) if path.stat().st_size < 60_000]
    return [ALERT.encode(), *(path.read_bytes() for path in paths)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("folder", nargs="?", type=Path, default=CORPUS)
    given = parser.parse_args()
    begin, end, counts, number = samples(given.folder), time.monotonic() + given.seconds, Counter[str](), 0
    while time.monotonic() < end:
        number += 1
        chance = random.Random(f"{given.seed}:{number}")
        data = mutated(chance, chance.choice(begin))
        try:
            counts.update(verdicts(data))
        except Exception as error:
            kept = ROOT / "var" / "fuzz" / f"{given.seed}-{number}.xml"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(data)
            sys.stdout.write(f"{kept}: {error!r}\n")
            counts["failed"] += 1
    sys.stdout.write(f"{number} files, seed {given.seed}: {dict(counts)}\n")
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
