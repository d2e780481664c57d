import Disk

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
