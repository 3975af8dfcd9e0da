"""What a session uploads and does not take away is bounded in front of Streamlit's uploader."""

from __future__ import annotations

from rnnapp.language import in_language
from rnnapp.people import Limits
from rnnapp.ui.upload_limits import Refusal, UploadLimits
from tests.ui.requests import Answer, NoRoute, send_request

FILE = 24_900_000


class Uploads:
    """A server with these limits; its sessions, and the bytes that Streamlit counts."""

    def __init__(self, status: int = 204) -> None:
        self.active = {"a", "b", "c"}
        self.stored = 0
        self.inside = NoRoute(status)
        self.guard = UploadLimits(
            self.inside,
            Limits(upload_megabytes=60, upload_megabytes_all=100),
            is_active=self.active.__contains__,
            stored_bytes=lambda: self.stored,
        )

    def put(self, session: str, file: str, size: int | None = FILE, body: bytes = b"") -> Answer:
        headers = {}
        if size is not None:
            headers["content-length"] = str(size)
        path = f"/_stcore/upload_file/{session}/{file}"
        answer = send_request(self.guard, path, headers, method="PUT", body=body)
        if answer.status == 204:
            self.stored += size or 0
        return answer


def test_eight_files_of_one_session_are_too_many() -> None:
    uploads = Uploads()
    answers = [uploads.put("a", f"file-{number}") for number in range(8)]
    assert [answer.status for answer in answers] == [204, 204] + [413] * 6
    assert "This page has 60 MB of files already." in answers[-1].body
    assert len(uploads.inside.paths) == 2, "a refused file is not read"


def test_a_file_taken_away_makes_room_and_one_sent_again_counts_once() -> None:
    uploads = Uploads()
    for name in ("one", "two", "one"):
        assert uploads.put("a", name).status == {"one": 204, "two": 204}[name] or name == "one"
    assert uploads.put("a", "three").status == 413
    send_request(uploads.guard, "/_stcore/upload_file/a/two", method="DELETE")
    assert uploads.put("a", "three").status == 204


def test_all_sessions_together_are_bounded_too() -> None:
    uploads = Uploads()
    assert [uploads.put(session, "file").status for session in "abc"] == [204] * 3
    uploads.stored = 90_000_000
    refused = uploads.put("b", "second")
    assert refused.status == 413
    assert "The server holds 100 MB" in refused.body


def test_a_file_that_does_not_say_its_size_counts_as_the_largest() -> None:
    uploads = Uploads()
    answers = [uploads.put("a", str(number), None).status for number in range(3)]
    assert answers == [204, 204, 413]


def test_a_session_that_has_left_and_a_file_that_was_refused_do_not_count() -> None:
    uploads = Uploads(status=403)
    assert [uploads.put("a", str(number)).status for number in range(8)] == [403] * 8
    uploads.inside.status = 204
    assert [uploads.put("a", str(number)).status for number in range(2)] == [204] * 2
    uploads.active.discard("a")
    uploads.stored = 0
    assert uploads.put("b", "file").status == 204
    uploads.active.add("a")
    assert uploads.put("a", "again").status == 204


def test_a_browser_gets_the_reason_in_place_of_the_file_as_streamlit_shows_no_answer() -> None:
    uploads = Uploads()
    head = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="kospi.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n"
    )
    for name in ("one", "two"):
        uploads.put("a", name)
    refused = uploads.put("a", "three", body=head + b"Date,Close" * 100 + b"\r\n--edge--\r\n")
    assert refused.status == 204
    before, _unused, after = uploads.inside.body.partition(Refusal("own", 60).to_bytes())
    assert before == head
    assert after == b"\r\n--edge--\r\n"
    for number in range(200):
        uploads.put("a", f"more-{number}", body=uploads.inside.body)
    assert len(uploads.inside.paths) <= 100, "refusals are bounded too"


def test_a_page_reads_the_reason_in_its_own_language_and_a_file_is_none() -> None:
    refusal = Refusal.from_bytes(Refusal("all", 500).to_bytes())
    assert refusal is not None
    assert refusal.message.startswith("The server holds 500 MB of files already.")
    with in_language("ko"):
        assert "500" in refusal.message
        assert not refusal.message.isascii()
    for content in (b"", b"Date,Close", b"\xff\xfe", Refusal("own", 5).to_bytes() + b" more"):
        assert Refusal.from_bytes(content) is None
