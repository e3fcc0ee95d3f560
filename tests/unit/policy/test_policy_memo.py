"""What is remembered, for which time, and how much of it."""

from ostiary.policy.memo import Memo


def test_an_answer_holds_from_then_until_then():
    memo: Memo[str] = Memo(10)
    memo.put("k", "v", since=100.0, until=200.0)
    assert [memo.get("k", now) for now in (99.9, 100.0, 199.9, 200.0)] == [None, "v", "v", None]


def test_without_an_end_it_holds_for_good_but_not_before():
    memo: Memo[str] = Memo(10)
    memo.put("k", "v", since=100.0, until=None)
    assert memo.get("k", 1e12) == "v"
    assert memo.get("k", 99.0) is None


def test_the_oldest_leaves_first():
    memo: Memo[int] = Memo(3)
    for number in range(5):
        memo.put(number, number, since=0.0, until=None)
    memo.put(4, 40, since=0.0, until=None)
    assert len(memo) == 3
    assert [memo.get(number, 1.0) for number in range(5)] == [None, None, 2, 3, 40]
