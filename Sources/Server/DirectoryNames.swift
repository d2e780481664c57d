import Disk
import Glibc

/// The names of what is in a directory, in no order; nil: it is not there, or cannot be read.
func namesInDirectory(_ path: String) -> [String]? {
    let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return nil }
    defer { close(directory) }
    let (names, code) = directoryNames(directory)
    return code == 0 ? names : nil
}
