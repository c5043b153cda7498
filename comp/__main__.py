"""`python -m comp` is `comp`."""

from comp.cli import main

if __name__ == "__main__":
    main()
