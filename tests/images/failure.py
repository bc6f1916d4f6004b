"""What make-images says to people before it exits with status 1."""


class Failure(Exception):
    pass
