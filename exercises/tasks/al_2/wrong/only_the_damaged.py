# says: With a share of 0 the messages are not all loaded as they came
for offset, message in messages:
    random = Random(f"{seed}/{offset}")
    if random.random() < share:
        fault = random.choice(list(FAULTS))
        sent = FAULTS[fault](message, random)
        try:
            load(sent)
        except ModelRejected as error:
            outcomes.append(Outcome(offset, fault, error.reason))
        else:
            outcomes.append(Outcome(offset, fault, None))
