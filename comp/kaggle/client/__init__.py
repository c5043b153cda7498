"""Kaggle, over its own client; the only rooms that use the network for it.

    credentials   which there are, and from where; asks nobody
    deadline      how long a command may take in all
    answers       how a request ended
    client        Kaggle's SDK with timeouts, retries, and errors in plain words
    identity      whether Kaggle takes the credentials, and as whose
    reference     where a file of a competition or a data set can be had
    transfer      files that are resumed and checked
    body          reading an answer's body, which may stall or trickle
    leaderboard   the public leaderboard, its medal lines, and where a score would stand
    submitting    the steps of a submission

`kagglesdk`, which the `kaggle` package brings, is imported inside functions, and `kaggle` itself
never: its import authenticates, prints, makes a folder in HOME, and may wait for the network with
no timeout.
"""
