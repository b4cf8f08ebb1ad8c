"""`python -m janee` is `janee`."""

from janee.cli.main import main

if __name__ == "__main__":
    main()
