import LogTools

/// A directory's files, some of whose steps fail and do nothing.
final class FailingFiles: Files {
    private let files: DirectoryFiles
    /// What was to be done, in order.
    private(set) var steps: [String] = []
    var fails: (Int) -> Bool = { _ in false }

    var path: String { files.path }

    init(_ path: String) { files = DirectoryFiles(path: path) }

    private func step(_ text: String) throws(ToolError) {
        steps.append(text)
        if fails(steps.count - 1) { throw ToolError(.notWritten, "failed at \(text)") }
    }

    func makeFolder(_ name: String) throws(ToolError) {
        try step("folder \(name)")
        try files.makeFolder(name)
    }

    func names(in folder: String) throws(ToolError) -> [String] { try files.names(in: folder) }

    func link(_ name: String, as other: String) throws(ToolError) {
        try step("link \(name)")
        try files.link(name, as: other)
    }

    func create(_ name: String) throws(ToolError) {
        try step("create \(name)")
        try files.create(name)
    }

    func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at position: Int
    ) throws(ToolError) {
        try step("write \(name)")
        try files.write(bytes, to: name, at: position)
    }

    func sync(_ name: String) throws(ToolError) {
        try step("sync \(name)")
        try files.sync(name)
    }

    func rename(_ name: String, to other: String) throws(ToolError) {
        try step("rename \(name)")
        try files.rename(name, to: other)
    }

    func protect(_ name: String) throws(ToolError) {
        try step("protect \(name)")
        try files.protect(name)
    }

    func segment(_ name: String) throws(ToolError) -> LogSource { try files.segment(name) }

    func remove(_ name: String) throws(ToolError) {
        try step("remove \(name)")
        try files.remove(name)
    }
}
