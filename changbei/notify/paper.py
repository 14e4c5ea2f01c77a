"""Paper, for whom no wire reaches: somebody goes there with the words in the hand, and says so afterwards.

A message on this channel is never handed to a carrier. It lies on a call list of the notice (`CallList.notice`), is
printed with it, and is acknowledged when the call is recorded as reached or visited.
"""

from __future__ import annotations

PAPER = "paper"
