"""The page: where an image is dropped, and where the answer is shown."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from comp.demo.session import Answered, Session
from comp.errors import CompError
from comp.page.words import Language, Text, say, translate

MAX_CHANCES = 10
"""Classes with a bar."""
STYLE = """
.gradio-container {max-width: 1200px !important; margin: auto}
.said {font-size: 1.25rem; font-weight: 600}
.fault {color: #b3261e; font-weight: 600}
"""
WAITING = say("The answer appears here.")
_QUEUE: dict[str, Any] = {
    "concurrency_limit": 1,
    "concurrency_id": "run",
    "api_visibility": "private",
    "show_progress": "minimal",
}
"""One image at a time, whoever asks."""


def make_page(session: Session, language: Language = "en") -> Any:
    """The page of a run, as Gradio's Blocks."""
    import gradio as gr

    words = translate(language)
    with gr.Blocks(title=f"{session.title} - comp", analytics_enabled=False) as page:
        gr.HTML(f"<h1>{html.escape(session.title)}</h1>{_paragraphs(session.about, words)}")
        with gr.Row():
            with gr.Column(scale=1):
                drop = gr.File(label=words(say("Drop an image here")), type="filepath")
                examples = _gallery(session, words)
            with gr.Column(scale=2):
                shown = _Shown(session, words)
        drop.upload(shown.uploaded, drop, shown.outputs, **_QUEUE)
        drop.clear(shown.cleared, None, shown.outputs, **_QUEUE)
        if examples is not None:
            # the type of the argument tells Gradio to pass the selected picture
            def selected(event: gr.SelectData) -> Iterator[list[Any]]:
                yield from shown.selected(event.index)

            selected.__annotations__["event"] = gr.SelectData
            examples.select(selected, None, shown.outputs, **_QUEUE)
    return page


def _gallery(session: Session, words: Callable[[Text], str]) -> Any:
    """The examples; None if there are none."""
    import gradio as gr

    if not session.examples:
        return None
    return gr.Gallery(
        [(picture, sample.id) for sample, picture in session.examples],
        label=words(say("Test images: click one")),
        columns=2,
        height="auto",
        allow_preview=False,
        interactive=False,
        buttons=[],
    )


class _Shown:
    """The components that show an answer; only those that a task needs are on the page."""

    def __init__(self, session: Session, words: Callable[[Text], str]) -> None:
        import gradio as gr

        self.session, self.words = session, words
        task = session.predictor.competition.task
        dense, restored = task.output == "image", task.restores
        self.said = gr.HTML(words(WAITING))
        self.chances = gr.Label(
            label=words(say("probabilities")),
            num_top_classes=MAX_CHANCES,
            show_heading=False,  # the most probable class, which may not be the decided one
            visible=False,
        )
        self.values = gr.Dataframe(
            headers=[words(say("name")), words(say("value"))],
            interactive=False,
            visible=False,
        )
        with gr.Row():
            self.picture = self._image(say("image"))
            drawn = say("restored") if restored else say("masks over the image")
            self.drawn = self._image(drawn, visible=dense)
            self.overlay = self._image(say("explanation"), visible=not session.explainer.reason)
        self.below = gr.HTML("")

    def _image(self, label: Text, visible: bool = True) -> Any:
        import gradio as gr

        return gr.Image(
            label=self.words(label), interactive=False, visible=visible, format="png", buttons=[]
        )

    @property
    def outputs(self) -> list[Any]:
        """The components, in the order of what the functions below return."""
        return [
            *(self.said, self.chances, self.values),
            *(self.picture, self.drawn, self.overlay, self.below),
        ]

    def uploaded(self, path: str) -> Iterator[list[Any]]:
        """Answer to a dropped file."""
        yield from self._answer(self.session.answers_to(Path(path)))

    def selected(self, index: int) -> Iterator[list[Any]]:
        """Answer to an example."""
        yield from self._answer(self.session.answers(self.session.examples[index][0]))

    def _answer(self, answers: Iterator[Answered]) -> Iterator[list[Any]]:
        try:
            for answered in answers:
                yield self._components(answered)
        except CompError as error:
            yield self._fault(str(error))

    def _components(self, answered: Answered) -> list[Any]:
        import gradio as gr

        answer, explanation = answered.answer, answered.explanation
        below = say("explaining ...") if explanation is None else explanation.words
        return [
            _line("said", self.words(answer.headline)),
            gr.Label(value=dict(answer.chances), visible=bool(answer.chances)),
            gr.Dataframe(value=[list(v) for v in answer.values], visible=bool(answer.values)),
            answer.picture,
            answer.drawn,
            explanation.overlay if explanation else None,
            _line("below", self.words(below)),
        ]

    def cleared(self) -> list[Any]:
        """Nothing of an earlier answer."""
        return self._only(self.words(WAITING))

    def _fault(self, problem: str) -> list[Any]:
        return self._only(_line("fault", problem))

    def _only(self, line: str) -> list[Any]:
        """One line, and nothing else."""
        import gradio as gr

        hidden = [gr.Label(visible=False), gr.Dataframe(visible=False)]
        return [line, *hidden, None, None, None, ""]


def _line(kind: str, text: str) -> str:
    return f'<p class="{kind}" role="status">{html.escape(text)}</p>'


def _paragraphs(lines: Sequence[Text], words: Callable[[Text], str]) -> str:
    return "".join(f"<p>{html.escape(words(line))}</p>" for line in lines)
