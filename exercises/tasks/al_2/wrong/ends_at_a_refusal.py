# says: ModelRejected in your code
for offset, message in messages:
    random = Random(f"{seed}/{offset}")
    fault = random.choice(list(FAULTS)) if random.random() < share else None
    sent = message if fault is None else FAULTS[fault](message, random)
    load(sent)
    outcomes.append(Outcome(offset, fault, None))
