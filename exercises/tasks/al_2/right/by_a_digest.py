import hashlib

for offset, message in messages:
    digest = hashlib.sha256(f"{seed} {offset}".encode()).digest()
    random = Random(digest)
    hit = int.from_bytes(digest[:8], "big") / 2**64 < share
    fault = random.choice(tuple(FAULTS)) if hit else None
    sent = FAULTS[fault](message, random) if hit else message
    try:
        load(sent)
    except ModelRejected as error:
        outcomes += [Outcome(offset, fault, error.reason)]
    else:
        outcomes += [Outcome(offset, fault, None)]
