"""The Runner: the half of Janee that stands beside the agent and runs its commands.

Guarantees: nothing in this package reads the store, evaluates a policy or keeps a credential; what a grant allows is enforced
here once more, by the Executor, from what it itself was asked for.

    front       the MCP server: tools in, results out      stdio, http   its two transports
    client      signed requests to the Authority           identity      who the agent of a call is
    executor    one grant, one command (runs in the zygote's children); frames: what it and the front say to each other
    pool        warm Executors                             relay         the named hosts of a command without a network
    executable  which file a command's name stands for     workspace     which directory it may see
    single      `janee serve` alone: the Authority as a child
"""
