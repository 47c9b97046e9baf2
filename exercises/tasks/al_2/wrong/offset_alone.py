# says: Two rehearsals with different seeds have the same faults.
for offset, message in messages:
    random = Random(offset)
    fault = random.choice(list(FAULTS)) if random.random() < share else None
    sent = message if fault is None else FAULTS[fault](message, random)
    try:
        load(sent)
    except ModelRejected as error:
        outcomes.append(Outcome(offset, fault, error.reason))
    else:
        outcomes.append(Outcome(offset, fault, None))
