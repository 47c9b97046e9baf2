"""Where state lives: in a field of an operator written by hand, which joins the data stream with the model stream."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from fastapi import APIRouter
from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable

from model.model import LoadedModel
from model.serving_state import ServingState
from serving.scoring.outcomes import BatchOutcome
from serving.scoring.records import RawRecord
from serving.scoring.states import States
from serving.web.answers import DEFAULT_DATA_TYPE, Refusal, StateAnswer, state_answer

Records: TypeAlias = Sequence[RawRecord]


class ServingStage(States):
    """The states, and the operator around them: what Akka calls a stage and its materialised value.

    Both streams must call it on one thread, one element after the other, as reactivex asks of every source. Queries may
    come from any thread.
    """

    def joined_with(self, models: Observable[LoadedModel]) -> Callable[[Observable[Records]], Observable[BatchOutcome]]:
        """The operator: ``data.pipe(stage.joined_with(models))``."""

        def operator(data: Observable[Records]) -> Observable[BatchOutcome]:
            def subscribe(
                observer: ObserverBase[BatchOutcome], scheduler: SchedulerBase | None = None
            ) -> DisposableBase:
                def on_records(records: Records) -> None:
                    observer.on_next(self.score_batch(records))

                return CompositeDisposable(
                    models.subscribe(self.accept, observer.on_error, scheduler=scheduler),
                    data.subscribe(on_records, observer.on_error, observer.on_completed, scheduler=scheduler),
                )

            return Observable(subscribe)

        return operator


def routes(states: Callable[[], Sequence[ServingState]]) -> APIRouter:
    """The paths that answer for this state."""
    router = APIRouter()

    @router.get("/state", responses={404: {"model": Refusal}}, summary="The active model and what it has done")
    async def state(data_type: str = DEFAULT_DATA_TYPE) -> StateAnswer:
        return state_answer(states(), data_type)

    return router
