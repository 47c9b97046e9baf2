# says: An error that is no refusal does not end the rehearsal.
for offset, message in messages:
    random = Random(f"{seed}/{offset}")
    fault = random.choice(list(FAULTS)) if random.random() < share else None
    sent = message if fault is None else FAULTS[fault](message, random)
    try:
        load(sent)
    except Exception as error:
        outcomes.append(Outcome(offset, fault, getattr(error, "reason", str(error))))
    else:
        outcomes.append(Outcome(offset, fault, None))
