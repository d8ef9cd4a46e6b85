# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters that are lists of names with commas between them. No ROS."""

from __future__ import annotations

import re

from trustseg.errors import InputError
from trustseg.reasons import Reason

# What the graph calls a topic: parts of letters, digits and underscores, none beginning with a digit.
TOPIC = re.compile(r"^(~?/)?[A-Za-z_]\w*(/[A-Za-z_]\w*)*$", re.ASCII)


def names_in(text: str) -> list[str]:
    """The names of a text, without blanks, each once."""
    return list(dict.fromkeys(name for name in (part.strip() for part in text.split(",")) if name))


def topics_of(text: str) -> list[str]:
    """Topic names; InputError for what no topic can be called."""
    names = names_in(text)
    for name in names:
        if not TOPIC.match(name):
            raise InputError("no topic", expected="names of topics", got=repr(name))
    return names


def reasons_of(text: str) -> Reason:
    """The bits of the reasons that are named; InputError for a name that no reason has."""
    found = Reason.NONE
    for name in names_in(text.upper()):
        if name not in Reason.__members__:
            raise InputError("no such reason", expected="names of reasons", got=repr(name))
        found |= Reason[name]
    return found
