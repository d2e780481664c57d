import Disk
import Glibc
import Primitives
import RecordFormat

/// A directory that becomes a data directory: everything is written beside the names that count,
/// and gets them at the end. Whatever interrupts it leaves a directory that no engine takes.
struct TargetDirectory: ~Copyable {
    let files: DirectoryFiles
    /// Keeps the lock.
    private let storage: PlainStorage

    private static let folder = "log.partial"

    /// With `isEmpty` nothing at all may be there, else what an engine, too, lets stand beside a
    /// log.
    ///
    /// - Throws: ``ToolError/Code/notEmpty``, or why the directory cannot be taken.
    init(_ path: String, isEmpty: Bool) throws(ToolError) {
        let files = DirectoryFiles(path: path)
        if isEmpty, let found = try files.names(in: ".").first {
            throw ToolError(.notEmpty, target: path, found: found)
        }
        let storage = try Self.claim(path)
        try files.makeFolder(Self.folder)
        self.files = files
        self.storage = storage
    }

    private static func claim(_ path: String) throws(ToolError) -> PlainStorage {
        do throws(StorageError) {
            let storage = PlainStorage(path: path, waker: try Waker())
            if try !storage.isInUse() {
                try storage.lock()
                return storage
            }
        } catch {
            throw ToolError(error, target: path)
        }
        throw ToolError(.notEmpty, target: path, found: "MANIFEST")
    }

    /// The name under which a segment is written.
    func name(_ segment: UInt64) -> String {
        "\(Self.folder)/\(DataDirectory.segmentName(segment))"
    }

    /// Gives everything its name; from then on an engine opens it.
    consuming func finish(_ manifest: Manifest) throws(ToolError) {
        try files.sync(Self.folder)
        try files.rename(Self.folder, to: "log")
        try manifest.write(to: files, as: "MANIFEST.partial")
        try files.rename("MANIFEST.partial", to: "MANIFEST")
        try files.sync(".")
    }
}

extension ToolError {
    /// Why a directory cannot be taken or written.
    init(_ error: StorageError, target path: String) {
        switch error {
        case .locked: self.init(.inUse, error.description)
        case .foreignDirectory(_, let found): self.init(.notEmpty, target: path, found: found)
        default: self.init(.notWritten, error.description)
        }
    }

    init(_ code: Code, target path: String, found: String) {
        self.init(code, "\(path) is not empty (it holds '\(found)'): name a new directory")
    }
}
