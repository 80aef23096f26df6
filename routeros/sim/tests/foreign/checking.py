"""What both scripts need: a check that prints its name, and equality that shows both sides."""

import sys


def check(name, got, wanted):
    if got != wanted:
        print(f"{name}:\n  got    {got!r}\n  wanted {wanted!r}", file=sys.stderr)
        sys.exit(1)
    print(f"ok {name}", flush=True)


def refused(kind, call):
    """The error of a call that must fail."""
    try:
        answer = call()
    except kind as error:
        return error
    print(f"not refused: {answer!r}", file=sys.stderr)
    sys.exit(1)
