// What a precompiled header needs to be built with: nothing is in it.
