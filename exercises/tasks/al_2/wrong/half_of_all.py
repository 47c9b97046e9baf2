# says: Of 400 messages a share of 0.25 does not damage about a quarter.
for offset, message in messages:
    random = Random(f"{seed}/{offset}")
    fault = random.choice(list(FAULTS)) if random.random() < share ** 0.5 else None
    sent = message if fault is None else FAULTS[fault](message, random)
    try:
        load(sent)
    except ModelRejected as error:
        outcomes.append(Outcome(offset, fault, error.reason))
    else:
        outcomes.append(Outcome(offset, fault, None))
