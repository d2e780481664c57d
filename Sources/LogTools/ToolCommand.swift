/// Commands of `iii-log` in messages, so that they can be pasted into a shell.
package enum ToolCommand {
    /// `verb`, with its options, for the log in the data directory `path`.
    package static func text(_ verb: String, on path: String) -> String {
        "iii-log -D \(quoted(path)) \(verb)"
    }

    /// One word of a shell: a path as it is, or in quotes where the shell would read it otherwise.
    package static func quoted(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "/._-+,:@%".utf8.contains(byte)
            }
        }
        if isPlain, !path.isEmpty { return path }
        return "'"
            + path.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''") + "'"
    }
}
