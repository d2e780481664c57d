import Disk
import Glibc

/// A directory of its own, removed with everything in it.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/iii-disk-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let start = buffer.baseAddress, let name = mkdtemp(start) else { return nil }
            return String(cString: name)
        }
        guard let made else { preconditionFailure("no temporary directory") }
        path = made
    }

    deinit { Self.remove(path) }

    /// The names in a folder, sorted; none when it is not there.
    static func names(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func remove(_ path: String) {
        for name in names(path) { remove("\(path)/\(name)") }
        if rmdir(path) != 0 { unlink(path) }
    }

    static func mode(_ path: String) -> UInt32 {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    static func create(_ path: String) {
        let file = creat(path, 0o600)
        if file >= 0 { close(file) }
    }
}

/// Whether this machine lets a process have an io_uring; where not, the engine uses plain calls,
/// and the tests of the ring are skipped.
let hasRing: Bool = {
    do throws(StorageError) {
        _ = try UringStorage(path: "/nowhere", waker: try Waker())
        return true
    } catch .ringUnavailable {
        return false
    } catch {
        // For the tests to find.
        return true
    }
}()
