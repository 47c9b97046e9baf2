# says: With a share of 1 not every message is loaded with the damage that its outcome names.
for offset, message in messages:
    random = Random(f"{seed}/{offset}")
    fault = random.choice(list(FAULTS)) if random.random() < share else None
    sent = message if fault is None else FAULTS[fault](message, random)
    try:
        load(message)
    except ModelRejected as error:
        outcomes.append(Outcome(offset, fault, error.reason))
    else:
        outcomes.append(Outcome(offset, fault, None))
