// SPDX-License-Identifier: Apache-2.0
//
// A program that does nothing: test programs reuse its precompiled headers (tests/main/CMakeLists.txt).
int main() { return 0; }
