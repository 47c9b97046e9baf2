# says: What is drawn for a message depends on the messages before it.
random = Random(seed)
for offset, message in messages:
    fault = random.choice(list(FAULTS)) if random.random() < share else None
    sent = message if fault is None else FAULTS[fault](message, random)
    try:
        load(sent)
    except ModelRejected as error:
        outcomes.append(Outcome(offset, fault, error.reason))
    else:
        outcomes.append(Outcome(offset, fault, None))
