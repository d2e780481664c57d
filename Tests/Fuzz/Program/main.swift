import CFuzzer
import FuzzTargets
import Glibc

// fuzz                                  prints the names of the targets
// fuzz TARGET [libFuzzer's arguments]   runs one
//
// Built by scripts/fuzz, with a sanitizer; not part of an ordinary build.

enum Program {
    static let target = FuzzTarget.all.first { $0.name == CommandLine.arguments.dropFirst().first }
}

guard CommandLine.arguments.count > 1 else {
    for target in FuzzTarget.all { print(target.name) }
    exit(0)
}
guard Program.target != nil else {
    print("fuzz: there is no target '\(CommandLine.arguments[1])'")
    exit(64)
}
var count = CommandLine.argc - 1
var words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
let status = LLVMFuzzerRunDriver(&count, &words) { start, count in
    // A copy of its own, so that a read beyond it is seen.
    if let finding = Program.target?.run(UnsafeRawBufferPointer(start: start, count: count)) {
        fatalError(finding)
    }
    return 0
}
exit(status)
