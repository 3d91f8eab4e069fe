# Toolchain file: compile with zig, for any platform from any other one; see wheels.py.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES INFONET_ZIG INFONET_ZIG_TARGET)

# INFONET_ZIG_TARGET is, say, x86_64-linux-gnu.2.17.
string(REGEX MATCH "^([a-z0-9_]+)-([a-z]+)" matched "${INFONET_ZIG_TARGET}")
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_MATCH_1})
set(infonet_system_linux Linux)
set(infonet_system_macos Darwin)
set(infonet_system_windows Windows)
set(CMAKE_SYSTEM_NAME ${infonet_system_${CMAKE_MATCH_2}})

set(CMAKE_CXX_COMPILER ${INFONET_ZIG} c++ -target ${INFONET_ZIG_TARGET})
# The machine's own strip knows its own format only; the linker leaves symbols out for all.
set(CMAKE_SHARED_LINKER_FLAGS_INIT -s)
