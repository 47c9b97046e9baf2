# says: A refusal is not noted with its own reason, once, at its own message.
for offset, message in messages:
    random = Random(f"{seed}/{offset}")
    fault = random.choice(list(FAULTS)) if random.random() < share else None
    sent = message if fault is None else FAULTS[fault](message, random)
    try:
        load(sent)
    except ModelRejected as error:
        outcomes.append(Outcome(offset, fault, str(error)))
    else:
        outcomes.append(Outcome(offset, fault, None))
