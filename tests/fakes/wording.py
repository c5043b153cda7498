"""The rules for messages and help texts, for tests."""

from __future__ import annotations

import re

LONGEST_PROBLEM = 200
"""Characters before the advice."""
LONGEST_MESSAGE = 600
"""Characters of the whole line."""
ADVICE = re.compile(r"[:;] ")
"""A message starts with the problem; the first of these begins what was found or what to do."""
BANNED = (
    *("goes? on with", "gone on", "going on", "anew", "is told", "are told", "nobody", "whoever"),
    *("whatever", "does not give", "dearest", "has not the", "have not the", "are others than"),
    *("in words", "in plain words", "heeds?", "lest", "thereof", "which is to say", "most of all"),
    *("so many", "the like", "lets be", "the worth of", "deals? to", "dealt to", "stands? beside"),
    *("stands? in", "stands? under", "(?<!there )is no", "wants", "none of", "asked for it"),
)
"""Regular expressions of words that are not plain English."""
_BANNED = re.compile(rf"\b({'|'.join(BANNED)})\b", re.IGNORECASE)
_NAMES = ("Kaggle", "UTF-8", "OOF", "CUDA", "TOML", "ROC")
"""Words that may start a message with a capital letter."""


def banned_words(text: str) -> list[str]:
    """The words of `text` that are not plain English."""
    return [found[0] for found in _BANNED.finditer(" ".join(text.split()))]


def message_faults(output: str) -> list[str]:
    """What is wrong with the message that a command prints on stderr; empty if nothing is."""
    if not output.startswith("comp: ") or output.count("\n") != 1 or not output.endswith("\n"):
        return ["not one line that starts with 'comp: '"]
    message = output.removeprefix("comp: ").removesuffix("\n")
    faults = [f"'{word}' is not plain English" for word in banned_words(message)]
    problem = ADVICE.split(message, maxsplit=1)[0]
    if len(problem) > LONGEST_PROBLEM:
        faults.append(f"{len(problem)} characters before the advice")
    if len(message) > LONGEST_MESSAGE:
        faults.append(f"{len(message)} characters")
    if message[:1].isupper() and not message.startswith(_NAMES):
        faults.append("starts with a capital letter")
    if message.endswith(".") and not message.endswith("..."):
        faults.append("ends with a full stop")
    if "Traceback" in message or "\x1b" in message:
        faults.append("contains a traceback or a control code")
    return faults
