#!/bin/sh
# Calls the compiler for a crate of this workspace, so that the fuzzer sees which of its code is reached.
# The dependencies are left as they are: they need not be built again. `cargo xtask fuzz` names this file
# as RUSTC_WORKSPACE_WRAPPER. The flags are those of cargo-fuzz; all of them are stable.
case " $* " in
*" --crate-type bin "* | *" --print "* | *" -vV "*)
    case " $* " in *" --crate-name blotter_fuzz "*) ;; *) exec "$@" ;; esac
    ;;
esac
exec "$@" -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
