"""A clock that moves only when someone sleeps on it."""


class VirtualClock:
    """`clock()` is epoch seconds; `sleep` advances it and remembers how long each sleep was."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
