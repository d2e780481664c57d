import Disk
package import Primitives

// What takes the place of a damaged file leaves that one a name in `quarantine/`: nobody removes it
// but the operator.

extension Files {
    /// Makes the folder, durably.
    func makeQuarantine() throws(ToolError) {
        try makeFolder("quarantine")
        try sync(".")
    }

    /// Gives a segment's file a second name there, which is on the medium on return.
    func keepAside(segment: UInt64) throws(ToolError) {
        let name = DataDirectory.segmentName(segment)
        try sync("log/\(name)")
        try link("log/\(name)", as: "quarantine/\(try freeName(name))")
        try sync("quarantine")
    }

    /// The names of the snapshots, or only of those that say that a log goes on which ends at
    /// `end`: what is written from there on they do not know, and later nothing would tell.
    package func snapshots(above end: Offset? = nil) throws(ToolError) -> [String] {
        try names(in: "snap").filter { name in
            guard name.hasSuffix(".snap") else { return false }
            guard let end else { return true }
            return UInt64(name.dropLast(5)).map { $0 > end.rawValue } ?? false
        }
    }

    /// Moves snapshots there, durably.
    package func setAside(snapshots: [String]) throws(ToolError) {
        guard !snapshots.isEmpty else { return }
        try makeQuarantine()
        for name in snapshots {
            try rename("snap/\(name)", to: "quarantine/\(try freeName(name))")
        }
        try sync("quarantine")
        try sync("snap")
    }

    /// `name`, or that and a number: what is kept is never written over.
    func freeName(_ name: String) throws(ToolError) -> String {
        let taken = Set(try names(in: "quarantine"))
        var kept = name
        var count = 1
        while taken.contains(kept) {
            count += 1
            kept = "\(name).\(count)"
        }
        return kept
    }
}
