def ask_manager(question: Any) -> Any:
    return self._manager.ask(question, block=True, timeout=self._timeout_s)

def first_answer(asked: HandedOn) -> tuple[bool, Any]:
    try:
        return True, asked.answer.get(timeout=self._timeout_s)
    except BaseException:
        return False, None

came, answer = first_answer(handed_on)
if came:
    return answer
ask_manager(Replace(message.data_type, handed_on.server))
handed_on = ask_manager(message)
