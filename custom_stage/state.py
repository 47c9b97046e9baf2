"""Where state lives: in a field of an operator written by hand, which joins the data stream with the model stream."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from fastapi import APIRouter, HTTPException
from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable

from model.model import LoadedModel
from model.serving_state import Scores, ServingState
from serving.answers import Refusal, StateAnswer
from serving.engine import Engine
from serving.kernel import epoch_ms
from serving.records import RawRecord, WineBatch
from serving.serve import ServedBatch, score, serve

Records: TypeAlias = Sequence[RawRecord]

MAX_DATA_TYPES_WITHOUT_MODEL = 100  # a record's data type is a stranger's text: it must not fill our memory
DEFAULT_DATA_TYPE = "wine"


class ServingStage:
    """The operator and its handle - what Akka calls the materialised value - in one.

    Both streams must call it on one thread, one element after the other, as reactivex asks of every source. So nothing
    here is locked, and a model is closed when no batch can still be using it. Queries may come from any thread: they
    see one value, replaced as a whole.
    """

    def __init__(self) -> None:
        self._states: Mapping[str, ServingState] = {}

    def joined_with(self, models: Observable[LoadedModel]) -> Callable[[Observable[Records]], Observable[ServedBatch]]:
        """The operator: ``data.pipe(stage.joined_with(models))``."""

        def operator(data: Observable[Records]) -> Observable[ServedBatch]:
            def subscribe(
                observer: ObserverBase[ServedBatch], scheduler: SchedulerBase | None = None
            ) -> DisposableBase:
                def on_records(records: Records) -> None:
                    observer.on_next(self.serve(records))

                return CompositeDisposable(
                    models.subscribe(self.accept, observer.on_error, scheduler=scheduler),
                    data.subscribe(on_records, observer.on_error, observer.on_completed, scheduler=scheduler),
                )

            return Observable(subscribe)

        return operator

    def accept(self, model: LoadedModel) -> None:
        """Put a model in force at once, and close the one it replaces."""
        state = self._state(model.data_type)
        self._keep(state.accept(model, epoch_ms()))
        if state.served is not None:
            state.served.model.close()

    def serve(self, records: Records) -> ServedBatch:
        """What becomes of a batch under the models in force now."""
        return serve(records, self.score, epoch_ms)

    def score(self, wines: WineBatch) -> Scores:
        """Score with the model in force for their data type, and keep the next state."""
        state, scores = score(self._state(wines.data_type), wines)
        self._keep(state)
        return scores

    def states(self) -> Sequence[ServingState]:
        """The query: the state for each data type, all of one moment."""
        return tuple(self._states.values())

    def close(self) -> None:
        """Close the models in force."""
        states, self._states = self._states, {}
        for state in states.values():
            if state.served is not None:
                state.served.model.close()

    def _state(self, data_type: str) -> ServingState:
        return self._states.get(data_type) or ServingState(data_type)

    def _keep(self, state: ServingState) -> None:
        known = state.data_type in self._states or state.served is not None
        if known or len(self._states) < MAX_DATA_TYPES_WITHOUT_MODEL:
            self._states = {**self._states, state.data_type: state}


def routes(engine: Engine) -> APIRouter:
    """The paths that answer for this state."""
    router = APIRouter()

    @router.get("/state", responses={404: {"model": Refusal}}, summary="The model in force and what it has done")
    async def state(data_type: str = DEFAULT_DATA_TYPE) -> StateAnswer:
        for each in engine.states():
            if each.data_type == data_type:
                return StateAnswer.of(each)
        if data_type == DEFAULT_DATA_TYPE:
            return StateAnswer.of(ServingState(data_type))
        raise HTTPException(404, f"no model and no record of data type {data_type!r} has arrived")

    return router
