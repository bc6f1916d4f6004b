// What a precompiled header needs to be built with.
int main() {}
