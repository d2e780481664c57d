import CFuzzer
import FuzzTargets
import Glibc

// fuzz                                             prints the names of the targets
// FUZZ_TARGET=NAME fuzz [libFuzzer's arguments]    runs one
//
// Built by scripts/fuzz, with a sanitizer; not part of an ordinary build. The target's name is no
// argument, since libFuzzer starts itself again with the arguments that it got.

enum Program {
    static let name = getenv("FUZZ_TARGET").map { String(cString: $0) }
    static let target = FuzzTarget.all.first { $0.name == name }
}

guard let name = Program.name else {
    for target in FuzzTarget.all { print(target.name) }
    exit(0)
}
guard Program.target != nil else {
    print("fuzz: there is no target '\(name)'")
    exit(64)
}
var count = CommandLine.argc
var words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
let status = LLVMFuzzerRunDriver(&count, &words) { start, count in
    if let finding = Program.target?.run(UnsafeRawBufferPointer(start: start, count: count)) {
        print(finding)
        preconditionFailure("the target is wrong")
    }
    return 0
}
exit(status)
