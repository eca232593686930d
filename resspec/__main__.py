"""`python -m resspec`, and the command `resspec`."""

import signal
import sys


def main() -> int:
    """End at once on SIGINT, as on SIGTERM, until the command line can report it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from resspec.cli import main as command

    signal.signal(signal.SIGINT, before)
    return command()


if __name__ == "__main__":
    sys.exit(main())
