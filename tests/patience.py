"""How long a test waits for something to happen before it fails: nothing may ever be asserted to take so long.

Services, nodes and processes start in a second on an idle machine, and in a minute on one that six others keep busy.
"""

WAIT_S = 200.0
