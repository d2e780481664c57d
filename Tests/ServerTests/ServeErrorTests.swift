import Disk
import Glibc
import NetServer
import Testing

@testable import Server

@Suite("Why an engine does not start")
struct ServeErrorTests {
    @Test("an address is changed where it is written: no flag reaches into a list of tables")
    func wayOut() {
        let error = ListenerError.addressInUse(ListenAddress(host: "127.0.0.1", port: 1))
        let listed = ServeError(error, setting: "worker_listener[0].address")
        #expect(listed.code == "listen.failed")
        #expect(
            listed.message.hasSuffix(
                "\nChange worker_listener[0].address in the configuration file."
            )
        )
        let own = ServeError(error, setting: "engine.address")
        #expect(own.message.contains("--set engine.address=127.0.0.1:0"))
    }

    @Test("what the system refuses of a data directory has a way out, where one is known")
    func refusedData() {
        func message(_ operation: String, _ code: Int32) -> String {
            ServeError(StorageError.system(operation, path: "/d", code: code)).message
        }
        #expect(message("create", EACCES).contains("Give the engine's user the right to"))
        #expect(message("create", ENOENT).contains("mkdir -p"))
        #expect(message("open", ENOTDIR).hasSuffix("Name another directory with --data."))
        #expect(!message("read", ENOENT).contains("\n"))
    }
}
