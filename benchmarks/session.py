"""A browser tab without a browser: it opens a page of a Streamlit server, moves a slider, and takes the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect


@dataclass
class Answer:
    """What a page has sent until its script was over; elements with the fragments that they belong to."""

    seconds: float
    elements: list[tuple[Element, str]] = field(default_factory=list)

    def of(self, kind: str) -> list[Element]:
        """The elements of a kind: `slider`, `dataframe`."""
        return [element for element, _ in self.elements if element.WhichOneof("type") == kind]

    @property
    def rows(self) -> int:
        """Rows of the last table."""
        tables = self.of("dataframe")
        return pa.ipc.open_stream(tables[-1].dataframe.arrow_data.data).read_all().num_rows if tables else 0


class Session:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._query = self._page = ""

    def open(self, page: str = "", query: str = "") -> Answer:
        """Go to a page; `query` is what stands behind the question mark."""
        self._page, self._query = page, query
        return self._ask(BackMsg())

    def move(self, answer: Answer, label: str, value: float) -> Answer:
        """Move the slider of this label, as it stood in an answer."""
        slider, fragment = next(
            (e.slider, part)
            for e, part in answer.elements
            if e.WhichOneof("type") == "slider" and e.slider.label == label
        )
        message = BackMsg()
        message.rerun_script.fragment_id = fragment
        state = message.rerun_script.widget_states.widgets.add(id=slider.id)
        state.double_array_value.data.append(value)
        return self._ask(message)

    def _ask(self, message: BackMsg) -> Answer:
        started = time.perf_counter()
        message.rerun_script.page_name, message.rerun_script.query_string = self._page, self._query
        self._connection.send(message.SerializeToString())
        answer = Answer(0.0)
        while True:
            data = self._connection.recv()
            assert isinstance(data, bytes)
            said = ForwardMsg.FromString(data)
            kind = said.WhichOneof("type")
            if kind == "delta" and said.delta.WhichOneof("type") == "new_element":
                answer.elements.append((said.delta.new_element, said.delta.fragment_id))
            elif kind == "script_finished":
                answer.seconds = time.perf_counter() - started
                return answer


@contextmanager
def session(port: int) -> Iterator[Session]:
    """A tab on the server at this port of 127.0.0.1."""
    origin = f"http://127.0.0.1:{port}"
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    # What browsers send, too, without which Streamlit refuses.
    with connect(address, origin=origin, subprotocols=["streamlit"], max_size=None, open_timeout=60) as found:  # type: ignore[arg-type,list-item]
        yield Session(found)
