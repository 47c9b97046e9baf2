"""Where state lives: in a field of an operator written by hand, which joins the data stream with the model stream."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from fastapi import APIRouter, HTTPException
from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable

from model.model import LoadedModel
from model.serving_state import ServingState
from serving.engine import Engine
from serving.scoring.outcomes import ServedBatch
from serving.scoring.records import RawRecord
from serving.scoring.states import States
from serving.web.answers import Refusal, StateAnswer

Records: TypeAlias = Sequence[RawRecord]

DEFAULT_DATA_TYPE = "wine"


class ServingStage:
    """The operator and its handle - what Akka calls the materialised value - in one.

    Both streams must call it on one thread, one element after the other, as reactivex asks of every source, and as the
    states ask of us. Queries may come from any thread.
    """

    def __init__(self) -> None:
        self._states = States()

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
        self._states.accept(model)

    def serve(self, records: Records) -> ServedBatch:
        """What becomes of a batch under the models in force now."""
        return self._states.serve(records)

    def states(self) -> Sequence[ServingState]:
        """The query: the state for each data type, all of one moment."""
        return self._states.all()

    def close(self) -> None:
        """Close the models in force."""
        self._states.close()


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
