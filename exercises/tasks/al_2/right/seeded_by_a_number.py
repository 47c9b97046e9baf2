def drawn(offset):
    return Random(seed * 1_000_000_007 + offset)

for offset, message in messages:
    numbers = drawn(offset)
    fault, sent = None, message
    if numbers.random() < share:
        fault = sorted(FAULTS)[numbers.randrange(len(FAULTS))]
        sent = FAULTS[fault](message, numbers)
    reason = None
    try:
        load(sent)
    except ModelRejected as refused:
        reason = refused.reason
    outcomes.append(Outcome(offset, fault, reason))
