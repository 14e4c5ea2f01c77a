"""Files broken by their structure: no crash, no hang, always an answer, and the same one from what is kept."""

from __future__ import annotations

import random

import pytest

from changbei.incidents import services
from changbei.incidents.models import Warning
from tests.fuzz_cap import mutated, samples, verdicts


def test_a_hundred_broken_files_each_get_an_answer() -> None:
    begin = samples()
    answers = []
    for number in range(100):
        chance = random.Random(f"short:{number}")
        answers += verdicts(mutated(chance, chance.choice(begin)))
    assert len(answers) >= 90 and {"refused", "accepted-with-warnings"} <= set(answers)


@pytest.mark.usefixtures("plan")
def test_every_broken_file_is_kept() -> None:
    begin = samples()[:1]  # our own alert: no corpus is needed
    for number in range(40):
        chance = random.Random(f"kept:{number}")
        data = mutated(chance, begin[0])
        for received in services.receive_file(data, name=f"{number}.xml", origin=None):
            kept = Warning.objects.get(pk=received.warning.pk)
            assert kept.verdict in Warning.Verdict.values
            assert bool(kept.reasons) == (kept.verdict != "accepted")
            assert received.action == "duplicate" or bytes(kept.raw) == data
