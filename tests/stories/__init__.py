"""Random stories of conversations, and what must hold at their end by the rules alone.

`story` writes them, `oracle` says how they end, `invariants` judges any outcome. Nothing here knows
the code of the services: a driver tells a story to them and hands back an `Outcome`.

How to drive one:

    story = generate(seed)
    for order in orders(story, random.Random(seed), 4):
        expected = tell(story.threads, order)
        # per step: set the clock to step.at; skip it if expected.left_out has its id;
        # tell it; unless between BusDown and BusUp, drain the bus
        got = Outcome([...])  # one InquiryOutcome for each inquiry that counts
        assert not violations(got, story.threads, order)
        assert not differences(expected, got)

A driver of the pure domain, that has no router, takes `expected.covers_until[step.id]` for a
Complete or Dismiss, and hears what the router did between BusDown and BusUp at the BusUp. Acts name
a message: they are given to the inquiry, or to the router's ToDo, that has it at that moment.
"""
