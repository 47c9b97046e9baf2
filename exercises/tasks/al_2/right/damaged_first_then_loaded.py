stream = []
for offset, message in messages:
    generator = Random(f"rehearsal {seed} of offset {offset}".encode())
    names = [None, *FAULTS]
    weights = [1 - share] + [share / len(FAULTS)] * len(FAULTS)
    (fault,) = generator.choices(names, weights)
    stream.append((offset, fault, FAULTS[fault](message, generator) if fault else message))
for offset, fault, sent in stream:
    try:
        load(sent)
        outcomes.append(Outcome(offset, fault, None))
    except ModelRejected as error:
        outcomes.append(Outcome(offset=offset, fault=fault, reason=error.reason))
