from mixingbuddy.agent.chat_models.breaker import Breaker


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def failing(breaker: Breaker, turns: int) -> list[bool]:
    """Which of so many turns were let through, when every try fails."""
    let_through = []
    for _ in range(turns):
        let_through.append(breaker.allows())
        if let_through[-1]:
            breaker.failed()
    return let_through


def test_after_two_failures_only_every_fifth_turn_is_let_through() -> None:
    every_fifth = [False, False, False, False, True]
    assert failing(Breaker(Clock()), 12) == [True, True, *every_fifth, *every_fifth]


def test_a_minute_later_it_is_tried_again() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    failing(breaker, 2)
    clock.now_s += 59
    assert not breaker.allows()
    clock.now_s += 1
    assert breaker.allows()


def test_one_answer_makes_up_for_all_failures() -> None:
    breaker = Breaker(Clock())
    failing(breaker, 7)
    breaker.answered()
    assert failing(breaker, 3) == [True, True, False]


def test_a_single_failure_keeps_nobody_waiting() -> None:
    breaker = Breaker(Clock())
    for _ in range(5):
        assert breaker.allows()
        breaker.failed()
        assert breaker.allows()
        breaker.answered()
