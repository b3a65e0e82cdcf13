/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/mask.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mask_private.h"
#include "unit.h"

/* Words as procfs has them, from a text in which a bar ends each. */
static char *split(const char *text, size_t *ret_len)
{
	char *words = strdup(text);

	*ret_len = strlen(words);
	for (char *c = words; *c; c++)
		*c = *c == '|' ? '\0' : *c;
	return words;
}

/* Masks and puts bars in the place of the ends. */
static char *masked(const char *words, size_t len)
{
	char *result = NULL;
	size_t result_len = 0;

	ck_assert_ok(vqi_mask_command_line(words, len, &result, &result_len));
	ck_assert_uint_eq(strlen(result) <= result_len, 1);
	for (size_t i = 0; i < result_len; i++)
		result[i] = result[i] ? result[i] : '|';
	return result;
}

static void check_line(const char *text, const char *wanted)
{
	size_t len;
	vqi_cleanup_free char *words = split(text, &len);
	vqi_cleanup_free char *once = masked(words, len);
	vqi_cleanup_free char *again_words = split(once, &len);
	vqi_cleanup_free char *again = masked(again_words, len);

	ck_assert_msg(strcmp(once, wanted) == 0, "%s\nis    %s\nnot   %s", text, once, wanted);
	ck_assert_msg(strcmp(again, wanted) == 0, "%s\nagain %s", once, again);
}

static const struct {
	const char *words, *wanted;
} lines[] = {
	/* What has no secrets stays. */
	{"/usr/bin/qemu-system-x86_64|-S|-m|4G,slots=2|-smp|4,sockets=2|-nodefaults|",
	 "/usr/bin/qemu-system-x86_64|-S|-m|4G,slots=2|-smp|4,sockets=2|-nodefaults|"},
	{"q|-machine|pc-q35-7.2,accel=kvm:tcg,usb=off,memory-backend=pc.ram|-cpu|host,-vmx|",
	 "q|-machine|pc-q35-7.2,accel=kvm:tcg,usb=off,memory-backend=pc.ram|-cpu|host,-vmx|"},
	{"q|-name|guest=web1,debug-threads=on|-name|a,,b|",
	 "q|-name|guest=web1,debug-threads=on|-name|a,,b|"},
	{"q|-device|virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56,addr=0x3,mq=on,vectors=6|",
	 "q|-device|virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56,addr=0x3,mq=on,vectors=6|"},
	{"q|-device|{\"driver\":\"virtio-blk-pci\",\"id\":\"d\",\"iothread-vq-mapping\":[{\"iothread\":"
	 "\"io0\"}],\"num-queues\":4}|",
	 "q|-device|{\"driver\":\"virtio-blk-pci\",\"id\":\"d\",\"iothread-vq-mapping\":[{\"iothread\":"
	 "\"io0\"}],\"num-queues\":4}|"},
	{"q|-drive|file=/srv/a@b,,c.qcow2,if=none,id=d0,cache=none,aio=native|",
	 "q|-drive|file=/srv/a@b,,c.qcow2,if=none,id=d0,cache=none,aio=native|"},
	{"q|-netdev|user,id=n,hostfwd=tcp::2222-:22|-serial|unix:/run/s.sock,server,nowait|",
	 "q|-netdev|user,id=n,hostfwd=tcp::2222-:22|-serial|unix:/run/s.sock,server,nowait|"},
	{"q|-nographic|/srv/disk.img|", "q|-nographic|/srv/disk.img|"},
	{"q||x|", "q||x|"},
	/* A last word without its end. */
	{"q|-m|1G", "q|-m|1G|"},
	{"", ""},

	/* Objects. */
	{"q|-object|secret,id=s0,data=hunter2|", "q|-object|secret,id=s0,data=***|"},
	{"q|--object|secret,id=s0,data=a,,b=c,format=raw|",
	 "q|--object|secret,id=s0,data=***,format=raw|"},
	{"q|-object|secret,id=s0,file=/etc/s.key|", "q|-object|secret,id=s0,file=/etc/s.key|"},
	{"q|--object=secret,id=s0,data=hunter2|", "q|--object=secret,id=s0,data=***|"},
	{"q|-object|secret,id=s1,keyid=s0,data=c2VjcmV0Cg==,iv=aGk=,format=base64|",
	 "q|-object|secret,id=s1,keyid=s0,data=***,iv=***,format=base64|"},
	{"q|-object|{\"qom-type\":\"secret\",\"id\":\"s0\",\"data\":\"hunter2\"}|",
	 "q|-object|{\"qom-type\":\"secret\",\"id\":\"s0\",\"data\":\"***\"}|"},
	{"q|-object|{\"qom-type\":\"secret\",\"data\":1234}|",
	 "q|-object|{\"qom-type\":\"secret\",\"data\":\"***\"}|"},
	{"q|-object|{'qom-type':'secret','data':'hunter2'}|", "q|-object|***|"},
	{"q|-object|secret_keyring,id=k,serial=123456|",
	 "q|-object|secret_keyring,id=k,serial=***|"},
	{"q|-object|tls-creds-x509,id=t,dir=/etc/pki,endpoint=server,passwordid=hunter2|",
	 "q|-object|tls-creds-x509,id=t,dir=/etc/pki,endpoint=server,passwordid=***|"},

	/* Displays. */
	{"q|-vnc|:1,password,tls-creds=t|", "q|-vnc|:1,password,tls-creds=t|"},
	{"q|-spice|port=5900,password=hunter2,x509-key-file=/k.pem,x509-key-password=hunter2|",
	 "q|-spice|port=5900,password=***,x509-key-file=/k.pem,x509-key-password=***|"},
	{"q|-spice|port=5900,password-secret=s0|", "q|-spice|port=5900,password-secret=s0|"},

	/* Disks. */
	{"q|-drive|file=https://joe:hunter2@h/d.img,id=d|",
	 "q|-drive|file=https://***@h/d.img,id=d|"},
	{"q|-hda|https://h/d.img?X-Signature=hunter2&a;b=1#hunter2|",
	 "q|-hda|https://h/d.img?***&***;***#***|"},
	{"q|-hda|https://joe:hun/ter2@h/d.img|", "q|-hda|https://***@h/d.img|"},
	{"q|-drive|file=nbd+unix:///e?socket=/run/n.sock|",
	 "q|-drive|file=nbd+unix:///e?socket=/run/n.sock|"},
	{"q|-drive|file=nbd://h:10809/e|", "q|-drive|file=nbd://h:10809/e|"},
	{"q|-drive|file=ssh://joe@h/d.img|", "q|-drive|file=ssh://***@h/d.img|"},
	{"q|-drive|file=iscsi://joe%hunter2@h/iqn.a/0|", "q|-drive|file=iscsi://***@h/iqn.a/0|"},
	{"q|-drive|file=rbd:p/i@s:id=a:key=AQ\\:hunter2==:mon_host=h|",
	 "q|-drive|file=rbd:p/i@s:id=a:***:mon_host=h|"},
	{"q|-drive|file=blkdebug:/c:https://j:hunter2@h/d|",
	 "q|-drive|file=blkdebug:/c:https://***@h/d|"},
	{"q|-hda|blkverify:https://h/a:https://j:hunter2@h/d|",
	 "q|-hda|blkverify:https://h/a:https://***@h/d|"},
	{"q|-hda|j:hunter2@h|", "q|-hda|***@h|"},
	{"q|-drive|file=blkdebug::rbd:p/i:id=a:key=hunter2==|", "q|-drive|file=blkdebug::rbd:***|"},
	{"q|-drive|file=blkdebug:/c:rbd:p/i:key=hunter2|", "q|-drive|file=blkdebug:/c:rbd:***|"},
	{"q|-drive|file=blkverify:/x:rbd:p/i@s:key=hunter2|", "q|-drive|file=***|"},
	{"q|-drive|file=blkverify:https://h/a:rbd:p/i:key=hunter2|", "q|-drive|file=***|"},
	{"q|-drive|file=https://j:hunter2rbd:a@h/d|", "q|-drive|file=***|"},
	{"q|-hda|j:hunter2json:a@h|", "q|-hda|***|"},
	{"q|-hda|blkdebug::json:{\"password\":\"hunter2\"}|", "q|-hda|blkdebug::json:***|"},
	{"q|-hda|blkdebug::blkverify:/x:data:hunter2|", "q|-hda|blkdebug::blkverify:/x:data:***|"},
	{"q|-hda|blkdebug::nbd+unix:///e?socket=/n.sock|",
	 "q|-hda|blkdebug::nbd+unix:///e?socket=/n.sock|"},
	{"q|-hda|blkverify:nbd+unix:///e?socket=/n.sock:https://j:hunter2@h/d|",
	 "q|-hda|blkverify:nbd+unix:///e?***|"},
	{"q|-hda|json:{\"file\":\"json:{\\\"password\\\":\\\"hunter2\\\"}\"}|",
	 "q|-hda|json:{\"file\":\"json:{\\\"password\\\":\\\"***\\\"}\"}|"},
	{"q|-blockdev|{\"filename\":\"blkdebug::json:{\\\"key\\\":\\\"hunter2\\\"}\"}|",
	 "q|-blockdev|{\"filename\":\"blkdebug::json:***\"}|"},
	{"q|-drive|file=json:{\"driver\":\"https\",,\"cookie\":\"hunter2\",,\"url\":\"https://j:h@x\"}|",
	 "q|-drive|file=json:{\"driver\":\"https\",,\"cookie\":\"***\",,\"url\":\"***\"}|"},
	{"q|-drive|driver=https,file.cookie=hunter2,file.password-secret=s,file.url=https://x|",
	 "q|-drive|driver=https,file.cookie=***,file.password-secret=s,file.url=***|"},
	{"q|-blockdev|{\"driver\":\"qcow2\",\"encrypt\":{\"format\":\"luks\",\"key-secret\":\"s0\"},"
	 "\"file\":{\"driver\":\"ssh\",\"path\":\"/d\",\"user\":\"hunter2\"}}|",
	 "q|-blockdev|{\"driver\":\"qcow2\",\"encrypt\":{\"format\":\"luks\",\"key-secret\":\"s0\"},"
	 "\"file\":{\"driver\":\"ssh\",\"path\":\"/d\",\"user\":\"***\"}}|"},
	{"q|-iscsi|user=hunter2,password=hunter2,header-digest=crc32c|",
	 "q|-iscsi|user=***,password=***,header-digest=***|"},
	{"q|-device|virtio-blk,drive=d,serial=hunter2|",
	 "q|-device|virtio-blk,drive=d,serial=***|"},

	/* What the guest is given. */
	{"q|-fw_cfg|name=opt/a,string=hunter2|", "q|-fw_cfg|name=opt/a,string=***|"},
	{"q|-fw_cfg|opt/a,file=/srv/a|", "q|-fw_cfg|opt/a,file=/srv/a|"},
	{"q|-smbios|type=1,product=KVM,serial=ds=nocloud-net;s=http://h/,uuid=hunter2,sku=hunter2|",
	 "q|-smbios|type=1,product=KVM,serial=***,uuid=***,sku=***|"},
	{"q|-smbios|type=11,value=io.systemd.credential:a=hunter2|",
	 "q|-smbios|type=11,value=***|"},
	{"q|-uuid|11111111-2222-3333-4444-555555555555|", "q|-uuid|***|"},
	{"q|-acpitable|sig=SLIC,data=/srv/slic|", "q|-acpitable|sig=***,data=***|"},
	{"q|-append|console=ttyS0 root=/dev/vda1 ro quiet panic=1 token=hunter2 a.pass=1 x=\"hun ter\" "
	 "hunter2  loglevel=3|",
	 "q|-append|console=ttyS0 root=/dev/vda1 ro quiet panic=1 token=*** a.pass=*** x=*** ***  "
	 "loglevel=3|"},
	{"q|-append|root=//h/s rootflags=username=u,password=hunter2 rw|",
	 "q|-append|root=//h/s rootflags=*** rw|"},
	{"q|-append|rootflags=name=a,secret=hunter2 nfsroot=h:/d,a=hunter2 cifsroot=//h/s,pass=hunter2|",
	 "q|-append|rootflags=*** nfsroot=*** cifsroot=***|"},
	{"q|-append|root=nfs:h:/d:user=j,pass=hunter2 console=ttyS0,115200 root=UUID=1-2|",
	 "q|-append|root=*** console=ttyS0,115200 root=UUID=1-2|"},
	{"q|-append|-- hunter2 a|", "q|-append|-- ***|"},
	{"q|-append|-hunter2|-S|", "q|-append|***|-S|"},
	{"q|-prom-env|boot-command=hunter2|", "q|-prom-env|boot-command=***|"},
	{"q|-semihosting-config|enable=on,arg=hunter2|",
	 "q|-semihosting-config|enable=on,arg=***|"},

	/* Others. */
	{"q|-global|driver=a,property=b,value=hunter2|-global|a.key=hunter2|",
	 "q|-global|driver=a,property=b,value=***|-global|a.key=***|"},
	{"q|-set|drive.d.password=hunter2|", "q|-set|drive.d.password=***|"},
	{"q|-netdev|user,id=n,guestfwd=tcp:10.0.2.9:80-cmd:curl -u j:hunter2 h|",
	 "q|-netdev|user,id=n,guestfwd=***|"},
	{"q|-incoming|exec:ssh j:hunter2@h cat|", "q|-incoming|exec:***|"},
	{"q|-incoming|{\"channel-type\":\"main\",\"addr\":{\"transport\":\"exec\",\"args\":[\"hunter2\"]}}|",
	 "q|-incoming|{\"channel-type\":\"***\",\"addr\":{\"transport\":\"exec\",\"args\":[\"***\"]}}|"},
	{"q|-device|virtio-blk,hunter2|", "q|-device|virtio-blk,***|"},

	/* Numbers, too, are secret where their keys say so. */
	{"q|-append|luks_pin=123456 pin=1 pin2=1 a.pw=1 my-otp=1 wifi.psk=1 pwd=1|",
	 "q|-append|luks_pin=*** pin=*** pin2=*** a.pw=*** my-otp=*** wifi.psk=*** pwd=***|"},
	{"q|-append|auth=1 authcode=1 credential=1 unlock_code=1 key=1 passphrase=1 secret=1 token=1|",
	 "q|-append|auth=*** authcode=*** credential=*** unlock_code=*** key=*** passphrase=*** "
	 "secret=*** token=***|"},
	{"q|-append|pinned=1 spin=2 spinning.pwm=3 motpx=4|",
	 "q|-append|pinned=1 spin=2 spinning.pwm=3 motpx=4|"},
	{"q|-device|a,pin=1234,spin=2,PIN=0x12,tls-creds=t|-global|a.user_pin=1234|",
	 "q|-device|a,pin=***,spin=2,PIN=***,tls-creds=t|-global|a.user_pin=***|"},
	{"q|-device|{\"driver\":\"a\",\"pin\":1234,\"spin\":2}|",
	 "q|-device|{\"driver\":\"a\",\"pin\":\"***\",\"spin\":2}|"},
	{"q|-global|driver=a,property=pin,value=1234|",
	 "q|-global|driver=a,property=pin,value=***|"},

	/* Base64 has equals signs. */
	{"q|-device|virtio-blk,aHVudGVyMg==|-append|aHVudGVyMg== BOOT_IMAGE=/v A=b|",
	 "q|-device|virtio-blk,***|-append|*** BOOT_IMAGE=/v ***|"},
	{"q|-drive|file=http://h/?aHVudGVyMg==|", "q|-drive|file=http://h/?***|"},

	/* Options that are not known. */
	{"q|-vault|hunter2|-m|1G|", "q|-vault|***|-m|1G|"},
	{"q|-vault|5|", "q|-vault|5|"},
	{"q|-vault=hunter2|-m|1G|", "q|-vault=***|-m|1G|"},
	{"q|-Vault|hunter2|", "q|-***|***|"},
	{"q|-vault|-hunter2|-m|1G|", "q|-vault|-***|-m|1G|"},
	{"q|-S=hunter2|", "q|-S=***|"},
};

START_TEST(test_lines)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		check_line(lines[i].words, lines[i].wanted);
}
END_TEST

START_TEST(test_harmless)
{
	static const char *const good[] = {"on", "0", "4G", "0xfeb00e00", "1.5", "250M", NULL};
	static const char *const bad[] = {"",	"0x",  "abc", "12345678901",	     "1.",
					  ".5", "4GB", "1 ",  "0x12345678901234567", "onx",
					  NULL};

	for (size_t i = 0; good[i]; i++)
		ck_assert_msg(vqi_mask_is_harmless(good[i]), "%s", good[i]);
	for (size_t i = 0; bad[i]; i++)
		ck_assert_msg(!vqi_mask_is_harmless(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(test_long_key)
{
	char line[256] = "q|-device|a,";

	memset(line + strlen(line), 'k', 100);
	strcat(line, ".id=hunter2|");
	vqi_cleanup_free char *wanted = strdup(line);

	strcpy(strchr(wanted, 'k'), "***|");
	check_line(line, wanted);
}
END_TEST

START_TEST(test_file_name)
{
	vqi_cleanup_free char *path = vqi_mask_file_name("/srv/a:b@c?d");
	vqi_cleanup_free char *url = vqi_mask_file_name("http://a:b@c?d");

	ck_assert_str_eq(path, "/srv/a:b@c?d");
	ck_assert_str_eq(url, "http://***@c?***");
}
END_TEST

/* ---- no secret is ever seen ---- */

/* Where %s is a secret. */
static const char *const places[] = {
	"-object|secret,id=s,data=%s|",
	"-object|secret,data=%s,id=s|",
	"-object|{\"qom-type\":\"secret\",\"data\":\"%s\"}|",
	"-object|{\"qom-type\":\"x\",\"a\":[{\"b\":{\"password\":[\"%s\"]}}]}|",
	"-spice|password=%s|",
	"-spice|port=1,password=%s,tls-port=2|",
	"-vnc|:1,ticket=%s|",
	"-drive|file=https://joe:%s@h/d|",
	"-drive|file=https://%s@h/d|",
	"-drive|if=none,file.filename=ftp://%s:x@h/d,id=d|",
	"-drive|file=rbd:p/i:key=%s:id=a|",
	"-drive|file=blkdebug::rbd:p/i:id=a:key=%s|",
	"-drive|file=blkverify:/x:rbd:p/i@s:key=%s|",
	"-drive|file=blkverify:nbd+unix:///e?socket=/s:https://j:%s@h/d|",
	"-hda|blkdebug::json:{\"driver\":\"https\",\"password\":\"%s\"}|",
	"-blockdev|{\"filename\":\"json:{\\\"password\\\":\\\"%s\\\"}\"}|",
	"-drive|file=http://h/?token=%s|",
	"-drive|file=http://h/?%s|",
	"-drive|file=http://h/?a=b&c=%s#%s|",
	"-drive|file=iscsi://joe%%%s@h/t/0|",
	"-drive|file=json:{\"driver\":\"https\",,\"password\":\"%s\"}|",
	"-drive|file.driver=http,file.cookie=%s|",
	"-blockdev|{\"driver\":\"curl\",\"url\":\"http://a:%s@h/\"}|",
	"-blockdev|{\"driver\":\"curl\",\"filename\":\"http://a:%s@h/\"}|",
	"-blockdev|{\"driver\":\"rbd\",\"key\":\"%s\"}|",
	"-iscsi|user=u,password=%s|",
	"-fw_cfg|name=opt/x,string=%s|",
	"-smbios|type=1,serial=%s|",
	"-smbios|type=11,value=%s|",
	"-uuid|%s|",
	"-append|ro token=%s quiet|",
	"-append|ro \"my.key=%s\" quiet|",
	"-append|rootflags=username=u,password=%s rw|",
	"-append|root=nfs:h:/d:a=b,secret=%s|",
	"-append|%s|",
	"-append|-- --key %s|",
	"-acpitable|data=%s|",
	"-incoming|exec:%s|",
	"-netdev|user,id=n,guestfwd=%s|",
	"-chardev|socket,id=c,cookie=%s|",
	"-global|x.password=%s|",
	"-set|a.b.secret=%s|",
	"-device|usb-x,pin-code=%s|",
	"-device|{\"driver\":\"x\",\"y\":\"%s\"}|",
	"-prom-env|x=%s|",
	"-vault|%s|",
	"-vault=%s|",
	"--vault|%s|",
	"--object=secret,data=%s|",
	"-hdb|http://a:%s@h/|",
	"https://a:%s@h/|",
};

static const char *const fillers[] = {
	"-S|", "-m|1G|", "-nodefaults|", "-cpu|host|", "/srv/d.img|", "-name|a,,b|", "-vault|",
};

static uint64_t state;

static size_t any(size_t count)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % count;
}

/* Not what a number or an option could be, with what parts values among it. */
static void make_secret(char secret[24])
{
	static const char letters[] = "abcXYZ019=+_-.~$!";
	size_t len = 8 + any(12);

	secret[0] = 'Q';
	for (size_t i = 1; i < len; i++)
		secret[i] = letters[any(sizeof(letters) - 1)];
	secret[len] = '\0';
}

START_TEST(test_no_secret_is_seen)
{
	static char text[4096], secret[24];

	state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
	for (int round = 0; round < 2000; round++) {
		const char *place = places[any(sizeof(places) / sizeof(places[0]))];
		vqi_cleanup_free char *words = NULL, *result = NULL;
		size_t len;

		make_secret(secret);
		strcpy(text, "qemu|");
		for (size_t i = any(3); i > 0; i--)
			strcat(text, fillers[any(sizeof(fillers) / sizeof(fillers[0]) - 1)]);
		sprintf(text + strlen(text), place, secret, secret);
		for (size_t i = any(3); i > 0; i--)
			strcat(text, fillers[any(sizeof(fillers) / sizeof(fillers[0]))]);
		words = split(text, &len);
		result = masked(words, len);
		ck_assert_msg(!strstr(result, secret), "%s\n%s", text, result);
		/* Nor most of it. */
		secret[8] = '\0';
		ck_assert_msg(!strstr(result, secret), "%s\n%s", text, result);
		free(take_ptr(words));
		words = split(result, &len);
		vqi_cleanup_free char *again = masked(words, len);

		ck_assert_str_eq(result, again);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("mask");

	tcase_add_test(tcase, test_lines);
	tcase_add_test(tcase, test_harmless);
	tcase_add_test(tcase, test_long_key);
	tcase_add_test(tcase, test_file_name);
	tcase_add_loop_test(tcase, test_no_secret_is_seen, 0, 8);
	return unit_run("mask", tcase);
}
