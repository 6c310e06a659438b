"""The project as one contestant among others: their feed, their contract, and answers that have to be equal."""
