"""What an earlier version kept is read as it was meant. Whoever must change this file raises `past_block.FORMAT` with it."""

import base64

from ostiary.policy.past import ALLOWED, NO_GRANT, REFUSED, Act, Asker, Situation, Surroundings, email_mark, to_ticks
from ostiary.policy.request import ActionClass, Device
from ostiary.visibility.domain.past_block import FORMAT, Reached, Row, is_whole, read_blocks

FORMAT_1 = base64.b64decode("""\
AAABT/0ZJ6V4nJ2Lu04CQRiF/3VXFF0R8YZ44wm4R6XTRFta7ciwO0smwOxmd1DseQAcNjF0SLiHWFlZEd3O8AJWtlY+gpJglFj6
5U/OOfnPqQm30kgsX0ilkSg7QRBmRGnWNTfvXliUlzzL3hXf6tr6xqZ/K7C9s7u3z+22kUaUojrvaIQiquCWxZCmPSQT6lFU1ZAS
TyYSkQMUVxC26+0MUnJFo1Ln1eYVyZEmVgm76RLKsElRvtrSSB5bHUWnFCuswrthA2WxFY7ehbndiyZjoUgoFjpsnJ7J5QZRh50C
ouOC+txT9IKRJ4iypz5izCSZIsNWld+rxMqlMVXMa4ONe7yvW+lLbFpEpx7e0K1WntBiyR6O4ZyLLyevg9SbF4DDxAJApebIIMAP
/0+C+zc6/okGg8cfACmAAUDg+yNOz6Zw/NnzR5/0DvD55xwRXDNfg9h/sQ==""")
DEVICE = Device(
    managed=True, compliant=False, attributes=(("disk_encrypted", True), ("os_version", 14), ("os", "linux"))
)
ANNA = Situation(
    Asker("p_anna", "", ("finance", "staff"), email_mark("anna@example.test")),
    Act("wiki", ActionClass.EDIT, ("internal",)),
    "/pages/1",
    Surroundings("192.0.2.7", "DE", 12, DEVICE),
    ((3, 1_790_000_000.25), (0, 1_790_000_000.0)),
)
BACKUP = Situation(Asker("", "backup"), Act("files", ActionClass.CONNECT), "/", Surroundings(), ())


def test_a_block_of_this_format_means_what_it_meant() -> None:
    found, reached, end = read_blocks(FORMAT_1, "decisions")
    assert FORMAT == 1
    assert is_whole(FORMAT_1)
    assert end == len(FORMAT_1)
    assert [
        Row(found.situation(n), found.ticks[n], found.outcome[n], found.segment[n], found.offset[n], found.count[n])
        for n in range(len(found))
    ] == [
        Row(ANNA, to_ticks(1_790_000_060.5), ALLOWED, 3, 4711),
        Row(BACKUP, to_ticks(1_790_000_061.0), NO_GRANT, 3, 5822, 9),
        Row(ANNA, to_ticks(1_790_000_062.0), REFUSED, 4, 120),
    ]
    assert reached == Reached(4, 900, 88, 4, 120, 780, bytes(range(32)))
